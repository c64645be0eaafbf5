"""What to say next: pure thinking, sends nothing."""
