"""Networks and data of the bonus notebooks."""
