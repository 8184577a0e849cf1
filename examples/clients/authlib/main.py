"""Signs the visitor of / in, shows the claims, and refreshes at /refresh."""

import os
import secrets

from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, session

app = Flask(__name__)
app.secret_key = secrets.token_hex()
oauth = OAuth(app)
oauth.register(
    "idflow",
    client_id="authlib",
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email groups offline_access", "code_challenge_method": "S256"},
)
own = f"http://127.0.0.1:{os.environ['PORT']}"


@app.get("/")
def sign_in():
    return oauth.idflow.authorize_redirect(own + "/callback")


@app.get("/callback")
def callback():
    token = oauth.idflow.authorize_access_token()
    session["refresh_token"] = token["refresh_token"]
    return jsonify(token["userinfo"])


@app.get("/refresh")
def refresh():
    token = oauth.idflow.fetch_access_token(
        grant_type="refresh_token", refresh_token=session["refresh_token"]
    )
    session["refresh_token"] = token["refresh_token"]
    return jsonify(oauth.idflow.userinfo(token=token))


app.run("127.0.0.1", int(os.environ["PORT"]))
