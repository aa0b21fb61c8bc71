"""The laptop's AWS: a control plane, a Data API and PostgreSQL on 127.0.0.1, for the real CDK CLI to deploy onto."""
