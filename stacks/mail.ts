import { secrets } from "./secrets.js";
import { stageSettings } from "./stage.js";

const { permanent } = stageSettings($app.stage);
/** Everybody who gets a mail sees it. */
export const sender = $util.unsecret(secrets.MAIL_FROM.value);

// A person confirms an address once for a region of the account, so production asks for it and previews use it.
// Not `sst.aws.Email`: its configuration set would be one more resource that each sender needs a permission for.
if (permanent) new aws.sesv2.EmailIdentity("MailIdentity", { emailIdentity: sender });

const { region } = aws.getRegionOutput();
const { accountId } = aws.getCallerIdentityOutput();

export const mailIdentityArn = $interpolate`arn:aws:ses:${region}:${accountId}:identity/${sender}`;
