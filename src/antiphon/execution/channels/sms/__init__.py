"""The SMS channel: texts in their alphabets and parts, words that stop and start, spoken by SMPP or by a Twilio-like API."""
