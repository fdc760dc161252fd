"""`make golive`: the vendor's go-live checklist, row by row, with what proves each."""
