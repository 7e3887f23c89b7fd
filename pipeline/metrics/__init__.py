"""What is counted (spec section 9): one declared table of metrics, and one small object that counts. Knows nothing of
Kafka, so every layer may count.
"""
