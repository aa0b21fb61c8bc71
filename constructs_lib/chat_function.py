"""The chat's operations as one Lambda function: by invocation, and over a URL that asks for IAM."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.stchat_function import StchatFunction

DATA_API_ACTIONS = ("ExecuteStatement", "BeginTransaction", "CommitTransaction", "RollbackTransaction")


class ChatFunction(Construct):
    """Logs in with `secret`, an application role's; may use the Data API of `cluster` and one embedding model.

    `url` is the function's address; who calls it needs lambda:InvokeFunctionUrl and lambda:InvokeFunction.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: rds.IDatabaseCluster,
        secret: secretsmanager.ISecret,
        database: str,
        embedding_model: str,
        timeout: Duration,
        memory_mib: int,
        reserved_concurrency: int | None,
    ) -> None:
        super().__init__(scope, id)
        self.function = StchatFunction(
            self,
            "Chat",
            handler="stchat.handlers.chat.handler",
            description="Chat history and chat memory: add, turns, themes, delete, remember, recall, forget",
            timeout=timeout,
            environment={
                "STCHAT_CLUSTER_ARN": cluster.cluster_arn,
                "STCHAT_APP_SECRET_ARN": secret.secret_arn,
                "STCHAT_DATABASE": database,
                "STCHAT_EMBEDDING_MODEL": embedding_model,
            },
            memory_mib=memory_mib,
            reserved_concurrency=reserved_concurrency,
            tracing=True,
        ).function
        model = bedrock.FoundationModel.from_foundation_model_id(
            self, "EmbeddingModel", bedrock.FoundationModelIdentifier(embedding_model)
        )
        for actions, resource in (
            # One call an operation; an answer of over 1 MiB is read through a cursor, in a transaction.
            ([f"rds-data:{action}" for action in DATA_API_ACTIONS], cluster.cluster_arn),
            # The Data API reads the secret it logs in with as its caller.
            (["secretsmanager:GetSecretValue"], secret.secret_arn),
            (["bedrock:InvokeModel"], model.model_arn),
        ):
            self.function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        self.url = self.function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM).url
