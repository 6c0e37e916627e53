"""Tests of template.yaml, which AWS's own translator expands, as deploying it does.

What is asserted is what CloudFormation would create for a set of parameters: what the function
may do, and what is wired to what. moto, a simulator of AWS, then creates what it can of it.
The packages are pinned in scripts/check, which runs this; by hand, with them installed:

    python3 scripts/template_test.py
"""

import ast
import functools
import json
import logging
import os
import pathlib
import unittest

# Before boto3 is imported: no account is meant, and no network is used.
os.environ.update(
    AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-west-1", AWS_CONFIG_FILE="/dev/null",
    AWS_SHARED_CREDENTIALS_FILE="/dev/null", AWS_EC2_METADATA_DISABLED="true",
)
logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns that nobody collects its metrics

import boto3
from moto import mock_aws
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = pathlib.Path(__file__).parent.parent / "template.yaml"
ACCOUNT = "123456789012"
ROLE = "qcs::cam::uin/100000000001:roleName/phoneverify"

# Sets of parameters that between them use every condition both ways.
SETS = {
    "default": {},
    "jwt": {"HttpAuth": "jwt", "JwtIssuer": "https://issuer.example", "JwtAudience": "phoneverify"},
    "function URL, webhook": {
        "HttpAuth": "function-url", "Webhook": "https://hooks.example/results", "WebhookSecret": "whsec_" + "A" * 32,
    },
    "queue alone, keys of one's own": {
        "HttpAuth": "none", "FingerprintKey": "k" * 32, "AlarmEmail": "ops@example.com",
        "QueueKey": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
    },
}


def expand(parameters):
    """The template as CloudFormation gets it from SAM."""
    template = yaml_parse(TEMPLATE.read_text())
    # Deploying it uploads the zip and puts its address here.
    template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://bucket/lambda.zip"
    session = boto3.Session(region_name="eu-west-1")
    return Translator({}, Parser(), boto_session=session).translate(template, {"TencentRoleArn": ROLE, **parameters})


@functools.cache
def stack_of(name):
    return Stack(SETS[name])


def for_each(test):
    """Runs a test for each set of parameters, with its name and its stack."""

    @functools.wraps(test)
    def run(self):
        for name in SETS:
            with self.subTest(name):
                test(self, name, stack_of(name))

    return run


NOTHING = object()  # what AWS::NoValue stands for


class Stack:
    """An expanded template whose conditions and references are resolved for parameters."""

    def __init__(self, given):
        template = expand(given)
        self.parameters = {name: given.get(name, p.get("Default")) for name, p in template["Parameters"].items()}
        self.parameters["TencentRoleArn"] = ROLE
        self.parameters.update({
            "AWS::StackName": "phoneverify", "AWS::Region": "eu-west-1", "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": NOTHING,
        })
        self.conditions = template["Conditions"]
        self.all = {name: r for name, r in template["Resources"].items() if self.holds(r.get("Condition"))}
        self.resources = self.resolve(self.all)
        self.outputs = {
            name: self.resolve(o["Value"]) for name, o in template["Outputs"].items() if self.holds(o.get("Condition"))
        }

    def holds(self, condition):
        return condition is None or self.test(self.conditions[condition])

    def test(self, c):
        ((how, of),) = c.items()
        match how:
            case "Condition":
                return self.holds(of)
            case "Fn::Equals":
                return self.resolve(of[0]) == self.resolve(of[1])
            case "Fn::Not":
                return not self.test(of[0])
            case "Fn::Or":
                return any(map(self.test, of))
        raise AssertionError(c)

    def resolve(self, node):
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((how, of),) = node.items()
            match how:
                case "Ref":
                    return self.reference(of)
                case "Fn::GetAtt":
                    return self.attribute(*of)
                case "Fn::If":
                    return self.resolve(of[1] if self.holds(of[0]) else of[2])
                case "Fn::Sub":
                    return self.substitute(of)
        values = {name: self.resolve(value) for name, value in node.items()}
        return {name: value for name, value in values.items() if value is not NOTHING}

    def reference(self, name):
        if name in self.parameters:
            return self.parameters[name]
        assert name in self.all, f"{name} is referred to and is not created"
        return f"<{name}>"

    def attribute(self, name, attribute):
        assert name in self.all, f"{name} is referred to and is not created"
        return f"<{name}.{attribute}>"

    def substitute(self, text):
        names = [part.split("}")[0] for part in text.split("${")[1:]]
        for name in names:
            value = self.attribute(*name.split(".")) if "." in name else self.reference(name)
            text = text.replace("${" + name + "}", str(value))
        return text

    def properties(self, name):
        return self.resources[name]["Properties"]

    def of_type(self, kind):
        return {name: r["Properties"] for name, r in self.resources.items() if r["Type"] == kind}

    def environment(self):
        return self.properties("Function")["Environment"]["Variables"]

    def statements(self):
        (policy,) = self.properties("Role")["Policies"]
        return {s["Sid"]: s for s in policy["PolicyDocument"]["Statement"]}


def listed(value):
    return value if isinstance(value, list) else [value]


class TemplateTest(unittest.TestCase):
    maxDiff = None

    def test_every_condition_both_ways(self):
        seen = {}
        for stack in map(stack_of, SETS):
            for condition in stack.conditions:
                seen.setdefault(condition, set()).add(stack.holds(condition))
        for condition, values in seen.items():
            self.assertEqual(values, {True, False}, condition)

    @for_each
    def test_the_function(self, _, stack):
        function = stack.properties("Function")
        self.assertEqual(function["Runtime"], "provided.al2023")
        self.assertEqual(function["Handler"], "bootstrap")
        self.assertEqual(function["Architectures"], ["arm64"])
        self.assertEqual(function["Role"], "<Role.Arn>")
        self.assertEqual(function["LoggingConfig"], {"LogGroup": "<LogGroup>"})
        self.assertNotIn("ReservedConcurrentExecutions", function)
        self.assertLessEqual(function["Timeout"], 30)  # an HTTP API waits no longer
        self.assertEqual(stack.environment()["PHONEVERIFY_CALLER_AUTH"], "platform")
        self.assertEqual(stack.environment()["PHONEVERIFY_STORE"], "dynamodb://<Ledger>")

    @for_each
    def test_what_it_grants(self, name, stack):
        ledger = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        requests = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        every = {
            "Ledger": (ledger, "<Ledger.Arn>"),
            "Requests": (requests, "<RequestQueue.Arn>"),
            "Results": (["sqs:GetQueueUrl", "sqs:SendMessage"], "<ResultQueue.Arn>"),
            "QueueKey": (["kms:Decrypt", "kms:GenerateDataKey"], SETS["queue alone, keys of one's own"]["QueueKey"]),
            "Identity": ("sts:GetWebIdentityToken", "*"),  # the one action that takes no resource
            "Log": (["logs:CreateLogStream", "logs:PutLogEvents"], "<LogGroup.Arn>"),
        }
        absent = {
            "default": {"QueueKey"}, "jwt": {"QueueKey"}, "function URL, webhook": {"QueueKey", "Results"},
            "queue alone, keys of one's own": set(),
        }
        want = {sid: grant for sid, grant in every.items() if sid not in absent[name]}
        got = {sid: (s["Action"], s["Resource"]) for sid, s in stack.statements().items()}
        self.assertEqual(got, want)
        self.assertEqual({s["Effect"] for s in stack.statements().values()}, {"Allow"})
        self.assertNotIn("ManagedPolicyArns", stack.properties("Role"))
        self.assertEqual(list(stack.of_type("AWS::IAM::Role")), ["Role"])
        self.assertEqual(stack.of_type("AWS::IAM::Policy") | stack.of_type("AWS::IAM::ManagedPolicy"), {})

    @for_each
    def test_nothing_is_granted_by_a_wildcard(self, _, stack):
        for name, resource in stack.resources.items():
            for statement in statements_in(resource):
                if statement["Effect"] == "Deny":
                    continue
                for action in listed(statement["Action"]):
                    self.assertNotIn("*", action, name)
                self.assertNotEqual(statement.get("Principal"), "*", name)
                if statement.get("Resource") == "*":
                    self.assertEqual(statement["Action"], "sts:GetWebIdentityToken")

    def test_tokens_are_for_one_audience(self):
        stack = Stack({"OidcAudience": "an audience"})
        self.assertEqual(stack.statements()["Identity"]["Condition"], {
            "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "an audience"},
            "Null": {"sts:IdentityTokenAudience": "false"},
            "StringEquals": {"sts:SigningAlgorithm": "RS256"},
            "NumericLessThanEquals": {"sts:DurationSeconds": 300},
        })
        self.assertEqual(stack.environment()["PHONEVERIFY_OIDC_AUDIENCE"], "an audience")

    @for_each
    def test_only_lambda_takes_the_role(self, _, stack):
        (statement,) = stack.properties("Role")["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual(statement, {
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        })

    def test_the_role_can_be_named_before_it_is_there(self):
        self.assertEqual(Stack({}).properties("Role")["RoleName"], "phoneverify-eu-west-1")

    @for_each
    def test_the_queue(self, _, stack):
        (mapping,) = stack.of_type("AWS::Lambda::EventSourceMapping").values()
        self.assertEqual(mapping["EventSourceArn"], "<RequestQueue.Arn>")
        self.assertEqual(mapping["FunctionName"], "<Function>")
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        self.assertEqual(mapping["ScalingConfig"], {"MaximumConcurrency": 2})
        queue = stack.properties("RequestQueue")
        self.assertGreaterEqual(queue["VisibilityTimeout"], 6 * stack.properties("Function")["Timeout"])
        self.assertEqual(queue["RedrivePolicy"]["deadLetterTargetArn"], "<DeadLetters.Arn>")
        self.assertGreaterEqual(queue["RedrivePolicy"]["maxReceiveCount"], 5)
        # A message keeps its age when it becomes a dead letter.
        self.assertGreater(stack.properties("DeadLetters")["MessageRetentionPeriod"], queue["MessageRetentionPeriod"])

    @for_each
    def test_every_queue_is_encrypted(self, name, stack):
        key = SETS[name].get("QueueKey", "alias/aws/sqs")
        queues = stack.of_type("AWS::SQS::Queue")
        self.assertEqual({q["KmsMasterKeyId"] for q in queues.values()}, {key})
        (policy,) = stack.of_type("AWS::SQS::QueuePolicy").values()
        self.assertEqual(sorted(policy["Queues"]), sorted(f"<{q}>" for q in queues))
        (statement,) = policy["PolicyDocument"]["Statement"]
        self.assertEqual(statement["Effect"], "Deny")
        self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_results(self):
        queue = Stack({})
        self.assertEqual(queue.environment()["PHONEVERIFY_RESULTS"], "sqs://<ResultQueue.QueueName>")
        self.assertNotIn("PHONEVERIFY_RESULTS_SECRET", queue.environment())
        self.assertEqual(queue.outputs["ResultQueueUrl"], "<ResultQueue>")
        given = SETS["function URL, webhook"]
        webhook = Stack(given)
        self.assertEqual(webhook.environment()["PHONEVERIFY_RESULTS"], given["Webhook"])
        self.assertEqual(webhook.environment()["PHONEVERIFY_RESULTS_SECRET"], given["WebhookSecret"])
        self.assertNotIn("ResultQueue", webhook.resources)

    @for_each
    def test_the_ledger(self, _, stack):
        (table,) = stack.of_type("AWS::DynamoDB::Table").values()
        self.assertEqual(table["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(table["KeySchema"], [{"AttributeName": "id", "KeyType": "HASH"}])
        self.assertEqual(table["AttributeDefinitions"], [{"AttributeName": "id", "AttributeType": "S"}])
        self.assertEqual(table["TimeToLiveSpecification"], {"AttributeName": "ttl", "Enabled": True})
        self.assertEqual(table["SSESpecification"], {"SSEEnabled": True})

    def test_the_key_of_the_digests(self):
        made = Stack({})
        self.assertEqual(made.environment()["PHONEVERIFY_FINGERPRINT_KEY"], "{{resolve:secretsmanager:<FingerprintSecret>:SecretString}}")
        self.assertGreaterEqual(made.properties("FingerprintSecret")["GenerateSecretString"]["PasswordLength"], 32)
        given = Stack({"FingerprintKey": "k" * 32})
        self.assertEqual(given.environment()["PHONEVERIFY_FINGERPRINT_KEY"], "k" * 32)
        self.assertNotIn("FingerprintSecret", given.resources)

    @for_each
    def test_secrets_are_not_shown(self, name, stack):
        parameters = expand({})["Parameters"]
        self.assertEqual({n for n, p in parameters.items() if p.get("NoEcho")}, {"FingerprintKey", "WebhookSecret"})
        shown = json.dumps(stack.outputs)
        for name in ("FingerprintKey", "WebhookSecret"):
            self.assertFalse(stack.parameters[name] and stack.parameters[name] in shown)

    @for_each
    def test_http(self, name, stack):
        scheme = {
            "default": {"AWS_IAM": {
                "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4",
            }},
            "jwt": {"Jwt": {"type": "oauth2", "x-amazon-apigateway-authorizer": {
                "type": "jwt", "identitySource": "$request.header.Authorization",
                "jwtConfiguration": {"issuer": "https://issuer.example", "audience": ["phoneverify"]},
            }}},
        }
        apis = stack.of_type("AWS::ApiGatewayV2::Api")
        if name not in scheme:
            self.assertEqual(apis | stack.of_type("AWS::ApiGatewayV2::Stage") | stack.of_type("AWS::Lambda::Permission"), {})
            return
        body = apis["Api"]["Body"]
        self.assertEqual(body["components"]["securitySchemes"], scheme[name])
        (by,) = scheme[name]
        self.assertEqual(list(body["paths"]["/"]), ["get", "post"])
        for operation in body["paths"]["/"].values():
            self.assertEqual(operation["security"], [{by: []}])
            self.assertEqual(operation["x-amazon-apigateway-integration"]["payloadFormatVersion"], "2.0")
            self.assertIn("<Function.Arn>", operation["x-amazon-apigateway-integration"]["uri"])
        (stage,) = stack.of_type("AWS::ApiGatewayV2::Stage").values()
        self.assertNotIn("AccessLogSettings", stage)
        (permission,) = stack.of_type("AWS::Lambda::Permission").values()
        self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
        self.assertIn(":<Api>/", permission["SourceArn"])

    @for_each
    def test_the_function_url_has_callers_sign(self, name, stack):
        urls = stack.of_type("AWS::Lambda::Url")
        self.assertEqual(len(urls), name == "function URL, webhook")
        for url in urls.values():
            self.assertEqual(url, {"AuthType": "AWS_IAM", "TargetFunctionArn": "<Function.Arn>"})

    @for_each
    def test_the_log_and_its_metrics(self, _, stack):
        self.assertEqual(stack.properties("LogGroup")["RetentionInDays"], 30)
        patterns = {f["FilterPattern"] for f in stack.of_type("AWS::Logs::MetricFilter").values()}
        self.assertEqual(patterns, {
            '{ $.msg = "verification" && $.kind = "unknown" }', '{ $.msg = "verification" && $.kind = "rejected" }',
        })
        self.assertEqual({f["LogGroupName"] for f in stack.of_type("AWS::Logs::MetricFilter").values()}, {"<LogGroup>"})

    @for_each
    def test_alarms(self, name, stack):
        alarms = stack.of_type("AWS::CloudWatch::Alarm")
        metrics = {(m["MetricTransformations"][0]["MetricNamespace"], m["MetricTransformations"][0]["MetricName"])
                   for m in stack.of_type("AWS::Logs::MetricFilter").values()}
        self.assertEqual(
            {(a["Namespace"], a["MetricName"]) for a in alarms.values()},
            metrics | {("AWS/Lambda", "Errors"), ("AWS/SQS", "ApproximateNumberOfMessagesVisible")},
        )
        told = [["<Alarms>"]] if "AlarmEmail" in SETS[name] else [None]
        for alarm in alarms.values():
            self.assertIn(alarm.get("AlarmActions"), told)
            self.assertEqual(alarm["TreatMissingData"], "notBreaching")
        self.assertEqual(len(stack.of_type("AWS::SNS::Topic")), "AlarmEmail" in SETS[name])

    @for_each
    def test_outputs(self, name, stack):
        urls = {"default": "https://<Api>.execute-api.eu-west-1.amazonaws.com/", "function URL, webhook": "<Url.FunctionUrl>"}
        urls["jwt"] = urls["default"]
        self.assertEqual(stack.outputs.get("Url"), urls.get(name))
        self.assertEqual(stack.outputs["RequestQueueUrl"], "<RequestQueue>")
        self.assertEqual(stack.outputs["RoleArn"], "<Role.Arn>")
        self.assertEqual(stack.outputs["TableName"], "<Ledger>")

    def test_every_parameter_is_grouped_and_explained(self):
        template = yaml_parse(TEMPLATE.read_text())
        groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        self.assertEqual(sorted(p for g in groups for p in g["Parameters"]), sorted(template["Parameters"]))
        for name, parameter in template["Parameters"].items():
            self.assertTrue("Description" in parameter or "AllowedValues" in parameter, name)


def statements_in(node):
    """Every policy statement anywhere in a resource."""
    if isinstance(node, list):
        for item in node:
            yield from statements_in(item)
    elif isinstance(node, dict):
        if "Effect" in node:
            yield node
        for value in node.values():
            yield from statements_in(value)


@mock_aws
class MotoTest(unittest.TestCase):
    """moto creates the expanded template, but for what it does not have."""

    def create(self, **parameters):
        template = expand(parameters)
        for name in ("Api", "ApiApiGatewayDefaultStage", "ApiMayInvoke", "Url", "TlsOnly"):
            del template["Resources"][name]
        for name, resource in list(template["Resources"].items()):
            if resource["Type"] in ("AWS::Logs::MetricFilter", "AWS::CloudWatch::Alarm"):
                del template["Resources"][name]
        for name in ("Url", "CallerResource"):
            del template["Outputs"][name]
        boto3.client("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        boto3.client("s3").put_object(Bucket="bucket", Key="lambda.zip", Body=b"PK\x05\x06" + bytes(18))
        formation = boto3.client("cloudformation")
        given = [{"ParameterKey": n, "ParameterValue": v} for n, v in {"TencentRoleArn": ROLE, **parameters}.items()]
        formation.create_stack(
            StackName="phoneverify", TemplateBody=json.dumps(template), Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        (stack,) = formation.describe_stacks(StackName="phoneverify")["Stacks"]
        self.assertEqual(stack["StackStatus"], "CREATE_COMPLETE")
        return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}

    def test_the_stack(self):
        made = self.create(FingerprintKey="k" * 32)
        sqs = boto3.client("sqs")
        requests = sqs.get_queue_attributes(QueueUrl=made["RequestQueueUrl"], AttributeNames=["All"])["Attributes"]
        dead = sqs.get_queue_attributes(QueueUrl=made["DeadLetterQueueUrl"], AttributeNames=["All"])["Attributes"]
        self.assertEqual(json.loads(requests["RedrivePolicy"])["deadLetterTargetArn"], dead["QueueArn"])
        self.assertEqual({requests["KmsMasterKeyId"], dead["KmsMasterKeyId"]}, {"alias/aws/sqs"})

        table = boto3.client("dynamodb").describe_table(TableName=made["TableName"])["Table"]
        self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(table["KeySchema"], [{"AttributeName": "id", "KeyType": "HASH"}])

        self.assertEqual(made["RoleArn"], f"arn:aws:iam::{ACCOUNT}:role/phoneverify-eu-west-1")
        policy = boto3.client("iam").get_role_policy(RoleName="phoneverify-eu-west-1", PolicyName="function")["PolicyDocument"]
        resources = {s["Sid"]: s["Resource"] for s in ast.literal_eval(policy)["Statement"] if s}
        self.assertEqual(resources["Ledger"], table["TableArn"])
        self.assertEqual(resources["Requests"], requests["QueueArn"])

        log = boto3.client("logs").describe_log_groups(logGroupNamePrefix=made["LogGroupName"])["logGroups"]
        self.assertEqual([g["retentionInDays"] for g in log], [30])

        (mapping,) = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        self.assertEqual(mapping["EventSourceArn"], requests["QueueArn"])
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])

        variables = boto3.client("lambda").get_function(FunctionName=made["FunctionArn"])["Configuration"]["Environment"]["Variables"]
        self.assertEqual(variables["PHONEVERIFY_STORE"], "dynamodb://" + made["TableName"])
        results = sqs.get_queue_url(QueueName=variables["PHONEVERIFY_RESULTS"].removeprefix("sqs://"))["QueueUrl"]
        self.assertEqual(results, made["ResultQueueUrl"])

    def test_the_alarms(self):
        cloudwatch = boto3.client("cloudwatch")
        alarms = stack_of("default").of_type("AWS::CloudWatch::Alarm")
        for name, properties in alarms.items():
            cloudwatch.put_metric_alarm(AlarmName=name, **properties)
        made = cloudwatch.describe_alarms()["MetricAlarms"]
        self.assertEqual(sorted(a["AlarmName"] for a in made), sorted(alarms))


if __name__ == "__main__":
    unittest.main(warnings="ignore")
