"""Stand-in for Amazon EMR and EMR Serverless, and with moto behind it for all of AWS.

    from tests.fakes.emr import FakeAws, Script

    with s3_server() as s3, FakeAws(s3) as fake:
        fake.scripts.expect(Script(exit_code=1, seconds=40), name="sensors")
        emr = fake.client("emr")  # or Aws(fake.session(), fake.endpoint_url)
        ...
        fake.clock.advance(31 * 60)

Most tests take the fixture `fake` of tests/emr/conftest.py.

What it does not show, and what of AWS's is only worded here:

| subject | here |
| --- | --- |
| permissions, subnets, security groups, quotas, keys | any are taken; nothing is refused for them |
| capacity: spot interruptions, fleets that fill slowly | the first type of each fleet is there at once; a test loses a cluster (`Loss`) or changes a fleet (`Fleet.scale`) |
| managed scaling | the policy is kept and given back, nothing scales |
| release labels | any of EMR's form; what an image holds is not checked |
| bootstrap actions, configurations, security configuration | kept, not applied |
| reason of an auto-termination | USER_REQUEST with a text of ours; the vendor's pages do not name it |
| idle | no step is there; YARN applications and HDFS use, which EMR counts too, are not looked at |
| YARN | a driver runs below its step's process, and cancelling the step ends it; with `fake.emr.drivers_outlive_cancel = True` it lives on, as on EMR in cluster mode, until a step `yarn application -kill` |
| texts of errors | the vendor's where its pages or public reports give them |
| unknown members in a request | refused; AWS ignores some |
"""  # noqa: E501 - a row of a table is one line

from tests.fakes.emr.clock import Clock
from tests.fakes.emr.runners import Script, ScriptedRunner, Work
from tests.fakes.emr.server import FakeAws, internal_error, throttling
from tests.fakes.emr.steps import Loss, Timing

__all__ = [
    "Clock",
    "FakeAws",
    "Loss",
    "Script",
    "ScriptedRunner",
    "Timing",
    "Work",
    "internal_error",
    "throttling",
]
