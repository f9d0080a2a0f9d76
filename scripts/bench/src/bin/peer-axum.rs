//! `GET /protected` with a Bearer token, on axum and tokio.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get, serve::ListenerExt};

async fn protected(headers: HeaderMap) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match headers.get(header::AUTHORIZATION) {
        Some(value) if value == "Bearer fake-super-secret-token" => {
            (json, r#"{"message":"Hello user1! This is a protected route."}"#).into_response()
        }
        _ => {
            let challenge = [(header::WWW_AUTHENTICATE, r#"Bearer realm="peer""#)];
            (StatusCode::UNAUTHORIZED, challenge, json, r#"{"detail":"Not authenticated"}"#)
                .into_response()
        }
    }
}

fn main() -> std::io::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_io().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, Router::new().route("/protected", get(protected))).await
    })
}
