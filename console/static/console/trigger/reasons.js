// The error catalogue in words.

import { gettext } from "../words.js";

const CATALOGUE = {
  EmptyRoute: [1, () => gettext("The route is empty")],
  InvalidRequestMethod: [3, () => gettext("This method does not trigger anything")],
  DefinitionNotFound: [5, () => gettext("No API has this route")],
  ManagerNotInitialized: [7, () => gettext("No node is ready, or the queue is full")],
  UnexpectedException: [8, () => gettext("Unexpected error")],
  InvalidActionMeta: [9, () => gettext("The stored definition is broken")],
  BodyToParametersConversionFailed: [10, () => gettext("The body must be a JSON object of parameter values")],
  InvalidActionType: [11, () => gettext("The stored definition has an unknown action type")],
  AutomationActionError: [12, () => gettext("The script failed")],
  InvalidAutomationActionResult: [13, () => gettext("The script returned an invalid output")],
  GetScriptInfoFailed: [15, () => gettext("The script is missing or lacks the entry point")],
  MissingScriptParameters: [16, () => gettext("Script parameters have no value")],
  ResponseBodyTooLarge: [17, () => gettext("The response is larger than 30 MB")],
  NatsRequestFailed: [1001, () => gettext("No node answered in time")],
  UnknownStatusCode: [1002, () => gettext("The script returned an invalid status code")],
  InvalidContentType: [1003, () => gettext("The content type is not supported")],
  UnspecifiedErrorReason: [1004, () => gettext("A node reported an error without a reason")],
  UnknownErrorReason: [1005, () => gettext("A node reported an unknown reason")],
  MessageBrokerNotInitialized: [1006, () => gettext("Redis is not reachable")],
  FailedToReadBody: [1007, () => gettext("The body could not be read")],
  AuthenticationHeaderInvalid: [1008, () => gettext("No secret was sent")],
  BodyTooLarge: [1009, () => gettext("The body is larger than 30 MB")],
  AuthenticationFailed: [1010, () => gettext("The secret is unknown, disabled or not allowed here")],
  QueryStringTooLarge: [1011, () => gettext("The query is too long")],
  ResponseHeadersNotAllowed: [1012, () => gettext("The script set a header that is not allowed")],
  ResponseHeadersInvalid: [1013, () => gettext("The script set an invalid header")],
  RateLimitExceeded: [1014, () => gettext("The rate limit of the token is reached")],
  RunCancelled: [2007, () => gettext("The run was cancelled")],
  ApiBusy: [2008, () => gettext("The API has reached its limit of runs at once")],
  ApiDisabled: [2009, () => gettext("The API is disabled")],
  InvalidSecret: [null, () => gettext("The secret is empty or malformed")],
  TokenNotFound: [null, () => gettext("No token has this secret")],
  TokenNotAllowed: [null, () => gettext("The API does not allow this token")],
  TokenDisabled: [null, () => gettext("The token is disabled")],
};

export const inWords = (reason) => CATALOGUE[reason]?.[1]() ?? gettext("Failed");

export const nameOf = (errorCode) =>
  Object.keys(CATALOGUE).find((reason) => CATALOGUE[reason][0] === errorCode) ?? String(errorCode);
