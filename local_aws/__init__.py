"""The local AWS, on 127.0.0.1: a control plane, a Data API and PostgreSQL for the real CDK CLI to deploy onto."""
