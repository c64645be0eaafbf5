"""Running it as an organisation."""
