functions::functions!(functions_here: ten ten ten one);

fn main() {
    functions::measure(1000, functions_here::all);
}
