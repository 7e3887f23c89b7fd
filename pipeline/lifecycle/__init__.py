"""What happens to links and mirrors over time: a link's leader carries out its commands and watches over it."""
