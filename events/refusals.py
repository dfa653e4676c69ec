"""Why telling says no, as problems a client can act on."""

from foundation.errors import DomainError


class TooManyEndpoints(DomainError):
    """409: a client has as many endpoints as it may have."""

    code, status, title = "too_many_endpoints", 409, "There are enough endpoints"


class EndpointNotEnabled(DomainError):
    """409: nothing is sent to a disabled endpoint."""

    code, status, title = "endpoint_not_enabled", 409, "The endpoint is not enabled"


class AllClientsNotAllowed(DomainError):
    """403: who does not see other clients' things is not told of them either."""

    code, status, title = "all_clients_not_allowed", 403, "A key that sees all is required"


class DeliveryInProgress(DomainError):
    """409: it is under way, or about to be."""

    code, status, title = "delivery_in_progress", 409, "The delivery is under way"


class ReplayTooLarge(DomainError):
    """422: more events than one replay may tell again."""

    code, status, title = "replay_too_large", 422, "The range holds too many events"
