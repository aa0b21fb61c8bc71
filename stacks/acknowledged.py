"""What the compliance packs find in `prod` and what is acknowledged: rule to the reason that a reviewer would accept.

A reason holds for every pack that has the rule. docs/generated/findings.md lists which resources each one is for, and a
test fails when that list grows; AwsSolutions' findings are acknowledged beside the constructs that they are about.
"""

ACKNOWLEDGED = {
    "CloudWatchLogGroupEncrypted": (
        "encrypted by CloudWatch's own key: names, counts, durations and addresses, no rows;"
        " the database's log, which may hold some, has the customer key"
    ),
    "EventBusDLQ": "EventBridge tries for 24 hours; a failed rotation also shows as an alarm of its function",
    "IAMNoInlinePolicy": "the CDK writes one policy a role, used by that role alone and gone with it",
    "LambdaConcurrency": (
        "a reservation would take from the account's other functions; CloudFormation and Secrets Manager call theirs"
        " one at a time a resource or secret, and the chat function's is a setting, chat_reserved_concurrency"
    ),
    "LambdaDLQ": "called synchronously, by callers that repeat or report a failure: there is no queue to lose from",
    "LambdaDefaultMemorySize": "the CDK's provider framework: its functions do nothing but call ours",
    "LambdaInsideVPC": "the Data API is reached over HTTPS; inside the VPC it would take a NAT gateway or endpoints",
    "LambdaTracing": (
        "takes X-Ray's actions on every resource (*), and the JSON logs have each call's time and request;"
        " the chat function, which users wait for, has it"
    ),
    "RDSAutomaticMinorVersionUpgradeEnabled": (
        "the template's engine version is the truth: an upgrade behind it makes the next deploy try a downgrade"
    ),
    "RDSEnhancedMonitoringEnabled": (
        "Database Insights standard is the baseline's monitoring; the operating system's processes add a role and logs"
    ),
    "RDSInBackupPlan": "continuous backups are Aurora's own (backup_retention), and deletion leaves the"
    " cluster or a snapshot",
    "SNSEncryptedKMS": (
        "alarms carry a metric's name and value, no data; AWS's own SNS key would keep CloudWatch from publishing"
    ),
    "SecretsManagerRotationEnabled": "the Rotation stack rotates them; the rule looks at one stack alone",
    "SecretsManagerUsingKMSKey": (
        "encrypted by aws/secretsmanager as in the baseline; a customer key is paid for at each login that reads one"
    ),
    "StepFunctionStateMachineXray": "the CDK's waiter polls while a deploy lasts, and logs every event",
    "VPCDefaultSecurityGroupClosed": "nothing uses the default group; emptying it takes a custom resource with rights",
    "VPCNoUnrestrictedRouteToIGW": "the baseline's public subnets, kept for a web tier: nothing is in them",
}
