"""The AWS SDK as our functions use it: botocore, set up through the points that it has for it."""
