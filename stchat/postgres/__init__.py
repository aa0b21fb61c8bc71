"""A direct connection to PostgreSQL, with the functions, the errors and the retries of the Data API's client.

For a program that keeps running in the cluster's VPC. Needs the extra `postgres`: pip install "stchat[postgres]".
"""

from stchat.postgres.client import Postgres, Transaction
from stchat.postgres.login import IamLogin, Login, PasswordLogin, SecretLogin
from stchat.postgres.server import Server
from stchat.postgres.settings import PostgresSettings

__all__ = [
    "IamLogin",
    "Login",
    "PasswordLogin",
    "Postgres",
    "PostgresSettings",
    "SecretLogin",
    "Server",
    "Transaction",
]
