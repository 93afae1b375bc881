functions::functions!(functions_here: ten ten one);

fn main() {
    functions::measure(100, functions_here::all);
}
