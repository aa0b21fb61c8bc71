"""A service on Fargate with a direct connection to the database, in subnets without a route to the internet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import validation
from constructs_lib.acknowledgments import acknowledge, wildcard
from constructs_lib.chat_function import expiry_problems
from constructs_lib.database_access import DatabaseAccess
from constructs_lib.embedding_model import embedding_model_problems, invoke_statements
from stchat.environment import EMBEDDING_MODEL, Variable

IAM_ROLE = "st_chat_app_iam"
HTTPS = ec2.Port.tcp(443)
ENDPOINTS = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Bedrock": ec2.InterfaceVpcEndpointAwsService.BEDROCK_RUNTIME,
}
SECRETS_ENDPOINT = {"Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER}
"""What a task calls, the last with a secret alone. Each costs an endpoint-hour in each zone (docs/transports.md); S3's,
for the layers of the image, costs nothing."""


class FargateService(Construct):
    """Tasks of `image` that may use one embedding model, and log in to `cluster` by IAM as the role `st_chat_app_iam`;
    with `secret`, a role's, by that.

    They have the application's security group of `access`, or one of their own where the whole VPC is admitted. The
    image listens on `port`, answers GET `health_path`, runs as a user that is not root, writes nothing to its own
    disk, and holds AWS's certificate bundle at `ca_bundle`. `service` is for a load balancer, or whatever is to
    reach the tasks: nothing does by itself.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        access: DatabaseAccess,
        cluster: rds.DatabaseCluster,
        image: ecs.ContainerImage,
        secret: secretsmanager.ISecret | None = None,
        database: str = "st_chat_db",
        embedding_model: str = EMBEDDING_MODEL,
        memory_expires_after: Duration | None = None,
        history_expires_after: Duration | None = None,
        recall_on_reader: bool = False,
        ca_bundle: str = "/etc/ssl/certs/global-bundle.pem",
        port: int = 8000,
        health_path: str = "/health",
        tasks: int = 2,
        cpu: int = 256,
        memory_mib: int = 512,
    ) -> None:
        super().__init__(scope, id)
        validation.require(
            self,
            [
                *validation.database_name("database", database),
                *embedding_model_problems("embedding_model", embedding_model, Stack.of(self).region),
                *expiry_problems("memory_expires_after", memory_expires_after),
                *expiry_problems("history_expires_after", history_expires_after),
                *_problems(port, health_path, tasks),
            ],
        )
        subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self.security_group = access.application or ec2.SecurityGroup(
            self, "Tasks", vpc=vpc, description="Tasks of the chat service"
        )
        endpoints = self._endpoints(vpc, subnets, ENDPOINTS if secret is None else ENDPOINTS | SECRETS_ENDPOINT)
        definition = ecs.FargateTaskDefinition(self, "Task", cpu=cpu, memory_limit_mib=memory_mib)
        definition.add_container(
            "Chat",
            image=image,
            environment=_environment(cluster, secret, database, embedding_model, ca_bundle, recall_on_reader)
            | _expiry(memory_expires_after, history_expires_after),
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix="chat",
                log_group=logs.LogGroup(
                    self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
                ),
            ),
            port_mappings=[ecs.PortMapping(container_port=port)],
            health_check=ecs.HealthCheck(
                command=["CMD", "python", "-c", _HEALTH.format(port=port, path=health_path)],
                interval=Duration.seconds(30),
                start_period=Duration.seconds(30),
            ),
            readonly_root_filesystem=True,
            user="1000",
        )
        acknowledge(definition, {"AwsSolutions::AwsSolutions-ECS2": "the variables are addresses and names, no secret"})
        acknowledge(
            definition.obtain_execution_role(),
            {wildcard("*"): "ecr:GetAuthorizationToken, which has no resource to name"},
        )
        self._grant(definition.task_role, cluster, secret, embedding_model)
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=ecs.Cluster(self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED),
            task_definition=definition,
            desired_count=tasks,
            min_healthy_percent=100,
            vpc_subnets=subnets,
            security_groups=[self.security_group],
            assign_public_ip=False,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        )
        # A task that starts before them cannot fetch its image, and the circuit breaker would roll back.
        self.service.node.add_dependency(*endpoints)

    def _endpoints(
        self, vpc: ec2.IVpc, subnets: ec2.SubnetSelection, services: Mapping[str, ec2.InterfaceVpcEndpointAwsService]
    ) -> list[ec2.VpcEndpoint]:
        """In this construct's stack: in the VPC's they would need what is in this one."""
        group = ec2.SecurityGroup(
            self, "Endpoints", vpc=vpc, description="Endpoints of AWS for the chat service", allow_all_outbound=False
        )
        group.add_ingress_rule(self.security_group, HTTPS, "HTTPS from the chat service")
        return [
            *(
                ec2.InterfaceVpcEndpoint(
                    self, name, vpc=vpc, service=service, subnets=subnets, security_groups=[group], open=False
                )
                for name, service in services.items()
            ),
            ec2.GatewayVpcEndpoint(self, "S3", vpc=vpc, service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[subnets]),
        ]

    def _grant(
        self,
        role: iam.IRole,
        cluster: rds.DatabaseCluster,
        secret: secretsmanager.ISecret | None,
        embedding_model: str,
    ) -> None:
        if secret is None:
            cluster.grant_connect(role, IAM_ROLE)
        else:
            role.add_to_principal_policy(
                iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_arn])
            )
            if secret.encryption_key:
                secret.encryption_key.grant_decrypt(role)
        for statement in invoke_statements(self, embedding_model):
            role.add_to_principal_policy(statement)


_HEALTH = "import urllib.request as r; r.urlopen('http://127.0.0.1:{port}{path}', timeout=4)"


def _environment(
    cluster: rds.DatabaseCluster,
    secret: secretsmanager.ISecret | None,
    database: str,
    embedding_model: str,
    ca_bundle: str,
    recall_on_reader: bool,
) -> dict[str, str]:
    """What PostgresSettings.from_environment reads: addresses and names, no secret."""
    login = {Variable.DB_IAM_ROLE: IAM_ROLE} if secret is None else {Variable.APP_SECRET_ARN: secret.secret_arn}
    found = {
        Variable.DB_HOST: cluster.cluster_endpoint.hostname,
        Variable.DATABASE: database,
        **login,
        Variable.DB_CA_BUNDLE: ca_bundle,
        Variable.EMBEDDING_MODEL: embedding_model,
    }
    if recall_on_reader:
        found[Variable.DB_READER_HOST] = cluster.cluster_read_endpoint.hostname
    region = {"AWS_REGION": Stack.of(cluster).region, "AWS_DEFAULT_REGION": Stack.of(cluster).region}
    return {variable.value: value for variable, value in found.items()} | region


def _expiry(memory: Duration | None, history: Duration | None) -> dict[str, str]:
    found = {Variable.MEMORY_DAYS: memory, Variable.HISTORY_DAYS: history}
    return {name.value: f"{after.to_days():g}" for name, after in found.items() if after is not None}


def _problems(port: int, health_path: str, tasks: int) -> Iterator[str]:
    if not 1024 <= port < 65_536:
        yield f"port must be 1024 to 65535, got {port}: the container's user is not root"
    if not health_path.startswith("/"):
        yield f"health_path must begin with /, got {health_path}"
    if tasks < 1:
        yield f"tasks must be at least 1, got {tasks}"
