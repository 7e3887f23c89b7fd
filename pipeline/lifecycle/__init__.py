"""What happens to links and mirrors over time: the worker that leads a link carries out its commands and watches over it."""
