"""The peer's storage: boto3's resource, as its documentation has it."""

import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["PAYMENTS_TABLE"])
