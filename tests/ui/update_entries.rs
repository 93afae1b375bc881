use cached_runtime::update;

#[update(entries(get_user(user.id) = user.clone() for user in users))]
async fn save(users: &[u64]) -> Result<(), ()> {
    let _ = users;
    Ok(())
}

fn main() {}
