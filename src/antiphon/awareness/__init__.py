"""Who the customer is and what they did."""
