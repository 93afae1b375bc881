functions::functions!(functions_here: ten one);

fn main() {
    functions::measure(10, functions_here::all);
}
