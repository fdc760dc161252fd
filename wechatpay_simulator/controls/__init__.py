"""The unsigned handles under /_sandbox/, which WeChat Pay does not have."""
