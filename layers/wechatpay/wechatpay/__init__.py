"""WeChat Pay APIv3 for direct merchants: signing, verifying, decrypting, calling. No AWS, no storage, no framework."""
