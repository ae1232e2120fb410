"""API Gateway hands over the decoded path, which ends at a question mark: such a request asks for another path."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    return not any("?" in str(value) for value in (case.path_parameters or {}).values())
