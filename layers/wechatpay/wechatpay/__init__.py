"""WeChat Pay APIv3 for direct merchants: signing, verifying, decrypting, calling. No AWS, no storage, no framework."""

import warnings

# requests says it to whoever has neither chardet nor charset_normalizer, and takes every text for UTF-8 then. Nothing here
# reads an answer's text: what was signed are bytes.
warnings.filterwarnings("ignore", "Unable to find acceptable character detection dependency")
