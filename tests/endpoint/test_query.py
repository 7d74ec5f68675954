"""The query string: what a script sees of it, and how long it may be."""

from tests.endpoint.catalogue import assert_error
from tests.endpoint.wire import exchange, head
from tests.values import for_each

TELLS = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    query = request.query_parameters
    return ApiTriggerOutput(response_body=json.dumps([[key, query.get_all(key)] for key in query.keys()]))
"""


@for_each(
    "query, seen",
    [
        ("", []),
        ("a=1", [["a", ["1"]]]),
        ("a=1&b=2&a=3", [["a", ["1", "3"]], ["b", ["2"]]]),
        ("a=1&A=2", [["a", ["1"]], ["A", ["2"]]]),
        ("a", [["a", [""]]]),
        ("a=&b=", [["a", [""]], ["b", [""]]]),
        ("=1", [["", ["1"]]]),
        ("&&a=1&", [["a", ["1"]]]),
        ("a=1=2", [["a", ["1=2"]]]),
        ("a=1;b=2", [["a", ["1;b=2"]]]),
        ("a=x+y%2Bz%20", [["a", ["x y+z "]]]),
        ("a+b=1", [["a b", ["1"]]]),
        ("n%C3%A4me=%E2%82%AC", [["näme", ["€"]]]),
        ("a=%F0%9F%8E%AC", [["a", ["🎬"]]]),
        ("a=%FF", [["a", ["\ufffd"]]]),
        ("a=%ED%A0%80", [["a", ["\ufffd" * 3]]]),
        ("a=%00%0A", [["a", ["\0\n"]]]),
        ("a=%2541", [["a", ["%41"]]]),
        ("a=%zz&b=%", [["a", ["%zz"]], ["b", ["%"]]]),
        ("a[]=1&a[]=2", [["a[]", ["1", "2"]]]),
        ("format=json", [["format", ["json"]]]),
        ("format=html&page=2", [["format", ["html"]], ["page", ["2"]]]),
        ("a=?b=/c//d", [["a", ["?b=/c//d"]]]),
    ],
)
def test_a_script_sees_the_query_parameters(stack, publish, query, seen):
    api = publish(TELLS)
    answer = exchange(stack.url, head("GET", f"{api.path}?{query}", *api.headers.items()))
    assert (answer.status_code, answer.json()) == (200, seen)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_2048_bytes_are_fine_and_one_more_is_not(stack, publish):
    api = publish(TELLS)
    assert api.call(stack.client, "GET", params={"a": "x" * 2_046}).json() == [["a", ["x" * 2_046]]]
    assert_error(api.call(stack.client, "GET", params={"a": "x" * 2_047}), 1011)


def test_bytes_are_counted_as_they_are_sent(stack, publish):
    api = publish(TELLS)
    fits = "a=" + "%41" * 682
    assert len(fits) == 2_048
    assert exchange(stack.url, head("GET", f"{api.path}?{fits}", *api.headers.items())).status_code == 200
    assert_error(exchange(stack.url, head("GET", f"{api.path}?{fits}&", *api.headers.items())), 1011)


def test_as_many_query_parameters_as_fit_are_accepted(stack, publish):
    api = publish(TELLS)
    answer = exchange(stack.url, head("GET", f"{api.path}?{'a&' * 1_024}", *api.headers.items()))
    assert answer.json() == [["a", [""] * 1_024]]
