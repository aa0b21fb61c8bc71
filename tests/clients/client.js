// The AWS SDK's client, pointed at the endpoint by the environment, as a user's program is.
import { RDSData } from "@aws-sdk/client-rds-data";

export const client = new RDSData({ maxAttempts: 1 });
export const target = {
  resourceArn: process.env.STCHAT_CLUSTER_ARN,
  secretArn: process.env.STCHAT_SECRET_ARN,
  database: process.env.STCHAT_DATABASE,
};
