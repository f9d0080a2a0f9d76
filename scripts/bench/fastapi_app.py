"""`GET /protected` with a Bearer token, on FastAPI and uvicorn."""

import socket
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer

app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="token")


def get_current_user(token: Annotated[str, Depends(bearer)]) -> str:
    if token != "fake-super-secret-token":
        raise HTTPException(401, "Invalid authentication credentials", {"WWW-Authenticate": "Bearer"})
    return "user1"


@app.get("/protected")
def protected(user: Annotated[str, Depends(get_current_user)]) -> dict[str, str]:
    return {"message": f"Hello {user}! This is a protected route."}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on http://%s:%d" % listener.getsockname(), flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=75)
    uvicorn.Server(config).run(sockets=[listener])
