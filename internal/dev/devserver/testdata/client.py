"""A client in another language: client.py ADDRESS, with generated code in PYTHONPATH."""

import sys
import time

import grpc

from kiwi.invitation.v1 import invitation_service_pb2 as invitations
from kiwi.invitation.v1 import invitation_service_pb2_grpc, user_service_pb2_grpc
from kiwi.invitation.v1 import resources_pb2 as resources
from kiwi.invitation.v1 import user_service_pb2 as users

channel = grpc.insecure_channel(sys.argv[1])
who = {"organization_id": "demo", "user_id": f"python-{time.time_ns()}"}

created = user_service_pb2_grpc.UserServiceStub(channel).CreateUser(
    users.CreateUserRequest(
        type=resources.USER_TYPE_TENANT, display_name="Anna Schmidt", invite=users.INVITE_LATER, **who
    ),
    timeout=30,
)
assert created.user.account_status == resources.ACCOUNT_STATUS_OFFLINE, created

service = invitation_service_pb2_grpc.InvitationServiceStub(channel)
try:
    service.Send(invitations.SendRequest(target=resources.TARGET_APP, **who), timeout=30)
    raise AssertionError("a user without an address was mailed to")
except grpc.RpcError as refusal:
    assert refusal.code() == grpc.StatusCode.FAILED_PRECONDITION, refusal
    details = dict(refusal.trailing_metadata())["grpc-status-details-bin"]
    assert b"EMAIL_REQUIRED" in details and b"invitation.kiwi.ki" in details, details

shown = service.GenerateQR(invitations.GenerateQRRequest(target=resources.TARGET_APP, **who), timeout=30)
assert shown.link.startswith("http://127.0.0.1:") and "/i/" in shown.link
print("a link of", len(shown.link), "characters")
