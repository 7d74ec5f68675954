"""A trigger is answered in the same exchange."""


def test_an_echo_goes_there_and_back(stack, publish):
    api = publish()
    answer = api.call(stack.client, content=b'{"a": 1}', headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (200, b'{"a": 1}')
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
