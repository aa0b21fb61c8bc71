"""The settings of each stage: `dev` is the baseline configuration to the letter, `prod` differs where production must.

Change a value here and `cdk diff` shows what follows. A wrong value stops synth with the field, the value
and the hint. Sources: Aurora user guide (limits), the project's baseline configuration (values).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds

from stacks.checks import problems
from stchat.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything of one stage that an owner may change. Names must be free in the account and region."""

    stage: str
    """Part of every stack's name, so that stages live side by side."""
    region: str = "ap-northeast-1"
    """Where it is deployed; `load` takes both from the CDK's environment."""
    account: str | None = None
    """12 digits; None: the account of the CDK's credentials."""

    # Network
    network_name: str = "myVPC-002-rag"
    """Prefix of the Name tags: `<it>-vpc`, `<it>-subnet-public1-<zone>`, ..."""
    vpc_cidr: str = "10.0.0.0/16"
    """IPv4 range, /16 to /28."""
    availability_zones: tuple[str, ...] = ("ap-northeast-1a", "ap-northeast-1c")
    """One public and one private subnet each; the writer is in the first, readers in the next ones."""
    public_subnet_cidrs: tuple[str, ...] = ("10.0.0.0/20", "10.0.16.0/20")
    """One for each zone, with a route to the internet."""
    private_subnet_cidrs: tuple[str, ...] = ("10.0.128.0/20", "10.0.144.0/20")
    """One for each zone, without any route out: where the database is."""
    security_group_name: str = "st.chat.history.rds"
    application_security_group_only: bool = False
    """Admit TCP 5432 from the application's security group alone instead of from the whole VPC."""
    flow_logs: bool = False
    """Keep the VPC's flow logs, for 1 month."""

    # Credentials
    master_username: str = "stchat"
    master_secret_name: str = "st.chat"
    """The roles' secrets are named after it: `<it>.app`, `<it>.read`."""
    rotate_secrets_every: Duration | None = None
    """Interval of the master secret's rotation, 1 to 1,000 days; None: off."""

    # Database
    database_name: str = "st_chat_db"
    """The folder of sql/ whose database the application uses."""
    global_hnsw_index: bool = True
    """Keep the global HNSW index, for searches over the memories of all users. A user's own are found without it, and
    written many times faster (docs/search.md); it may be turned off and on again."""
    subnet_group_name: str = "st-chat-subnet-group"
    cluster_identifier: str = "dbclusterstchat"
    engine_version: str = "16.13"
    """Aurora PostgreSQL 16 minor; 16.8 is the LTS. docs/decisions/0615: why not 17 or 18."""
    min_acu: float = 0
    """Aurora capacity units of about 2 GiB, 0 to 256 in steps of 0.5; 0: the cluster may pause."""
    max_acu: float = 64
    """1 to 256 ACU in steps of 0.5."""
    auto_pause_after: Duration | None = Duration.minutes(30)  # noqa: RUF009 (a Duration is immutable)
    """Idle time before a pause, 300 to 86,400 s; None (with min_acu above 0): never."""
    readers: int = 1
    """0 to 15, in other zones than the writer where there are enough. The Data API asks the writer alone: a reader is
    there for failover and for direct connections, and costs as much as the writer (docs/costs.md)."""
    reader_promotion_tier: int = 1
    """Promotion tier, 0 to 15. Serverless v2 readers of tier 0 or 1 scale, pause and resume with the writer; those
    of 2 and more on their own, so that a failover may find them small."""
    writer_instance_type: ec2.InstanceType | None = None
    """None: Serverless v2. A memory-optimised `r` class, like r8g.large: provisioned."""
    reader_instance_type: ec2.InstanceType | None = None
    """The readers' likewise, so that a cluster may mix both kinds; one provisioned instance blocks auto-pause."""
    snapshot_identifier: str | None = None
    """Restore this cluster snapshot into the new cluster; keep it set afterwards, or CloudFormation replaces it."""
    rds_proxy: bool = False
    """An RDS Proxy blocks auto-pause and costs at least 8 ACU."""
    ca_certificate: rds.CaCertificate = rds.CaCertificate.RDS_CA_RSA4096_G1
    iam_authentication: bool = True
    """Besides passwords."""
    insights_mode: rds.DatabaseInsightsMode = rds.DatabaseInsightsMode.STANDARD
    """Performance Insights is on in both: for 7 days with STANDARD (free), for 15 months with ADVANCED (charged)."""
    backup_retention: Duration = Duration.days(7)  # noqa: RUF009
    """1 to 35 days."""
    kms_key: bool = False
    """A customer managed key for storage, snapshots and the exported log, instead of AWS's own: it can be revoked, and
    snapshots shared with another account. Chosen before the first deploy: a change replaces the cluster."""
    log_export: bool = False
    """Export PostgreSQL's log to CloudWatch Logs for 1 month: the only record of failed logins."""
    protect_data: bool = False
    """Deletion and termination protection; the cluster and its secrets outlive their stacks."""

    # Chat function
    embedding_model: str = "cohere.embed-multilingual-v3"
    """Bedrock's id of the model, a cross-region inference profile like `global.cohere.embed-v4:0`, or the ARN of
    either. Move the memories first: docs/embeddings.md."""
    embedding_region: str | None = None
    """Where Bedrock is asked for embeddings; None: the stage's region, or that of the ARN."""
    memory_expires_after: Duration | None = None
    """1 to 36,500 days after it is stored a memory expires, unless its caller says when; None: never."""
    history_expires_after: Duration | None = None
    """The same of a turn. What has expired is never answered (docs/memory.md)."""
    chat_timeout: Duration = Duration.seconds(60)  # noqa: RUF009
    """30 to 900 s, of which it waits for a paused cluster all but 20; boto3's callers wait 60 s unless configured."""
    chat_memory_mib: int = 512
    """128 to 10,240 MiB; the processor's share grows with it."""
    chat_reserved_concurrency: int | None = None
    """Calls at once that are kept for this function, and its limit; None: what the account has left."""

    # Fargate service
    fargate_image: str | None = None
    """`<repository>:<tag>` of an image in this account's ECR, in this region; None: no service. With one, tasks in the
    private subnets reach the database directly (docs/transports.md); its endpoints and tasks are paid all day."""
    fargate_tasks: int = 2
    """How many run, in different zones while they can."""

    # Operations
    compliance_packs: bool = False
    """Hold the templates to cdk-nag's Serverless, NIST 800-53 R5, HIPAA, PCI rules too: docs/generated/findings.md."""
    alarms: bool = False
    """CloudWatch alarms, one topic for them, and a dashboard."""
    alarm_connections: int = 1600
    """The alarm's threshold, at once. Aurora allows 2,000 where min_acu is 0 or 0.5, however large max_acu is."""
    alarm_storage_gib: int = 100
    """The alarm's threshold; storage costs by the GiB and month, backups besides."""

    @property
    def rotates(self) -> bool:
        return self.rotate_secrets_every is not None

    def __post_init__(self) -> None:
        if found := problems(self):
            raise SettingsError("\n".join(f"{self.stage}: {problem}" for problem in found))


def dev() -> Settings:
    """The baseline configuration, to the letter."""
    return Settings(stage="dev")


def prod() -> Settings:
    """What production needs besides: docs/production.md."""
    return Settings(
        stage="prod",
        network_name="myVPC-002-rag-prod",
        security_group_name="st.chat.history.rds.prod",
        application_security_group_only=True,
        flow_logs=True,
        master_secret_name="st.chat.prod",
        rotate_secrets_every=Duration.days(30),
        subnet_group_name="st-chat-subnet-group-prod",
        cluster_identifier="dbclusterstchat-prod",
        backup_retention=Duration.days(35),
        kms_key=True,
        log_export=True,
        protect_data=True,
        compliance_packs=True,
        alarms=True,
    )


STAGES: Mapping[str, Callable[[], Settings]] = {"dev": dev, "prod": prod}
"""A stage's settings are made, and checked, when they are asked for."""


def load(stage: str | None, environment: Mapping[str, str]) -> Settings:
    """The settings of `stage` (None: dev), for the account and region that the CDK CLI has put into `environment`.

    Raises:
        SettingsError: no such stage, or its settings cannot be deployed there.
    """
    name = "dev" if stage is None else stage
    if not isinstance(name, str) or name not in STAGES:
        raise SettingsError(f"stage must be one of {', '.join(STAGES)}, got {name!r}: cdk synth -c stage=dev")
    settings = STAGES[name]()
    return replace(
        settings,
        region=environment.get("CDK_DEFAULT_REGION") or settings.region,
        account=environment.get("CDK_DEFAULT_ACCOUNT") or settings.account,
    )
