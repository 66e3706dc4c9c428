"""The gateway's HTTP edge: requests to services, refusals to problems, OpenAPI."""
