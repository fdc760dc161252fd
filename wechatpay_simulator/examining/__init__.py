"""The examination of anybody's backend: WeChat Pay's checklist, row by row, over HTTP and a few commands."""
