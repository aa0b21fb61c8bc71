# What the original article's reader made in the console, made with the aws CLI. Engine 16.6, which the article names, can't be created
# any more, on AWS or here: 16.8 stands for it. The password was typed by hand.
set -euo pipefail
zone() { echo "ap-northeast-1$1"; }
tag() { echo "ResourceType=$1,Tags=[{Key=Name,Value=$2}]"; }

vpc="$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --tag-specifications "$(tag vpc myVPC-002-rag-vpc)" --query Vpc.VpcId --output text)"
subnet() {
  aws ec2 create-subnet --vpc-id "$vpc" --cidr-block "$2" --availability-zone "$(zone "$3")" --query Subnet.SubnetId --output text \
    --tag-specifications "$(tag subnet "myVPC-002-rag-subnet-$1-$(zone "$3")")"
}
subnet public1 10.0.0.0/20 a >/dev/null
subnet public2 10.0.16.0/20 c >/dev/null
private="$(subnet private1 10.0.128.0/20 a) $(subnet private2 10.0.144.0/20 c)"
group="$(aws ec2 create-security-group --group-name st.chat.history.rds --description PostgreSQL --vpc-id "$vpc" --query GroupId --output text)"
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 5432 --cidr 10.0.0.0/16 >/dev/null
# shellcheck disable=SC2086 (two ids)
aws rds create-db-subnet-group --db-subnet-group-name st-chat-subnet-groupt --db-subnet-group-description private \
  --subnet-ids $private >/dev/null
aws secretsmanager create-secret --name st.chat --secret-string '{"admin":"stchat","password":"typed-by-hand"}' >/dev/null

aws rds create-db-cluster --db-cluster-identifier dbclusterstchat --engine aurora-postgresql --engine-version 16.8 \
  --serverless-v2-scaling-configuration MinCapacity=0,MaxCapacity=64,SecondsUntilAutoPause=1800 \
  --master-username stchat --master-user-password typed-by-hand --db-subnet-group-name st-chat-subnet-groupt \
  --vpc-security-group-ids "$group" --enable-iam-database-authentication --storage-encrypted --backup-retention-period 7 >/dev/null
for number in 1 2; do
  aws rds create-db-instance --db-instance-identifier "dbclusterstchat-instance-$number" --db-cluster-identifier dbclusterstchat \
    --engine aurora-postgresql --db-instance-class db.serverless --ca-certificate-identifier rds-ca-rsa4096-g1 >/dev/null
done
cluster() { aws rds describe-db-clusters --db-cluster-identifier dbclusterstchat --query "DBClusters[0].$1" --output text; }
arn="$(cluster DBClusterArn)"
aws rds enable-http-endpoint --resource-arn "$arn" >/dev/null
# What the console writes for "Credentials for Amazon RDS database".
login="$(aws secretsmanager create-secret --name st.chat.new --query ARN --output text --secret-string \
  "{\"username\":\"stchat\",\"password\":\"typed-by-hand\",\"engine\":\"postgres\",\"host\":\"$(cluster Endpoint)\",\"port\":5432,\"dbClusterIdentifier\":\"dbclusterstchat\"}")"

sql() {
  aws rds-data execute-statement --resource-arn "$arn" --secret-arn "$login" --database "$1" --sql "$2" >/dev/null
}
sql postgres "CREATE DATABASE st_chat_db"
sql st_chat_db "CREATE TABLE st_chat_history_table (primarykey bigserial PRIMARY KEY, userid text NOT NULL UNIQUE,
  themename text NOT NULL, chatid bigint NOT NULL CHECK (chatid >= 0), userinput text, botresponse text,
  timestamp timestamptz DEFAULT now())"
sql st_chat_db "CREATE INDEX idx_st_chat_history_userid ON st_chat_history_table (userid)"
sql st_chat_db "CREATE INDEX idx_st_chat_history_timestamp ON st_chat_history_table (timestamp)"
sql st_chat_db "CREATE EXTENSION vector"
sql st_chat_db "CREATE TABLE st_chat_history_vector_table (primarykey bigserial PRIMARY KEY, userid text NOT NULL, theme text NOT NULL,
  chatid bigint NOT NULL CHECK (chatid >= 0), chat_summary text NOT NULL, metadata jsonb, chat_vector vector(1024) NOT NULL)"
sql st_chat_db "CREATE INDEX ON st_chat_history_vector_table USING hnsw (chat_vector vector_l2_ops)"
# One row for each user is all that the UNIQUE allows; a row was deleted, so the numbers have a gap.
sql st_chat_db "INSERT INTO st_chat_history_table (userid, themename, chatid, userinput, botresponse, timestamp)
  SELECT 'user' || n, '旅行', n, '京都の質問 ' || n, '答え ' || n, timestamptz '2025-01-01 09:00+09' + n * interval '1.234567 s'
  FROM generate_series(1, 300) AS n"
sql st_chat_db "DELETE FROM st_chat_history_table WHERE userid = 'user7'"
sql st_chat_db "INSERT INTO st_chat_history_vector_table (userid, theme, chatid, chat_summary, metadata, chat_vector)
  SELECT 'user' || n % 5, '旅行', n, '要約 ' || n, jsonb_build_object('n', n),
         (SELECT array_agg(sin(n * i)) FROM generate_series(1, 1024) AS i)::vector
  FROM generate_series(1, 60) AS n"
