"""template.yaml deployed here: from SAM's text to what AWS keeps, and what Lambda and API Gateway run."""
