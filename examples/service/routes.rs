//! The handlers. They call the annotated functions like any others.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::Caches;
use serde::Deserialize;

use crate::catalogue;

/// Every route of the service.
pub(crate) fn router(db: Db) -> Router {
    Router::new()
        .route("/products/{id}", get(product))
        .route("/products/{id}/price", put(set_price))
        .route("/categories/{category}/cheapest", get(cheapest))
        .route("/stats", get(stats))
        .with_state(db)
}

#[derive(Deserialize)]
struct NewPrice {
    cents: u32,
}

async fn product(State(db): State<Db>, Path(id): Path<u32>) -> Result<Json<Product>, Failure> {
    let found = catalogue::product(&db, id).await?;
    Ok(Json(found.ok_or(Failure::Missing)?))
}

async fn cheapest(State(db): State<Db>, Path(category): Path<String>) -> Result<Json<Vec<Product>>, Failure> {
    Ok(Json(catalogue::cheapest(&db, &category).await?))
}

async fn set_price(
    State(db): State<Db>,
    Path(id): Path<u32>,
    Json(new): Json<NewPrice>,
) -> Result<Json<Product>, Failure> {
    let changed = catalogue::set_price(&db, id, new.cents).await?;
    Ok(Json(changed.ok_or(Failure::Missing)?))
}

async fn stats() -> String {
    Caches::current().stats().to_string()
}

/// What a handler answers when it has no answer.
enum Failure {
    Missing,
    Database(DbError),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Missing => StatusCode::NOT_FOUND.into_response(),
            Self::Database(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}
