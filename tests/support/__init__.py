"""What tests share: producing to and consuming from real brokers."""
