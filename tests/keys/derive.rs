//! `#[derive(KeyPart)]`: what each kind of type writes.

use ::std::marker::PhantomData;
use ::std::{option::Option, string::String, vec::Vec};

use cached_runtime::KeyPart;
use cached_runtime::fuzzing::key::text;

// A user may have modules of these names.
mod core {}
mod std {}
mod cached {}

#[derive(KeyPart)]
struct UserId(u64);

#[derive(KeyPart)]
struct Page {
    tenant: UserId,
    r#type: String,
    // Names of the generated code's own.
    key: Option<u8>,
    sequence: bool,
}

#[derive(KeyPart)]
struct One {
    id: u64,
}

#[derive(KeyPart)]
struct Pair(u8, &'static str);

#[derive(KeyPart)]
struct Unit;

#[derive(KeyPart)]
struct Empty {}

#[derive(KeyPart)]
enum Filter {
    All,
    Nothing(),
    Owner(UserId),
    Range { key: i64, field_0: i64 },
    r#Self_,
}

#[derive(KeyPart)]
enum Never {}

#[derive(KeyPart)]
struct Typed<T>(u64, PhantomData<T>);

#[derive(KeyPart)]
struct Wrapper<'a, T: ?Sized, const N: usize>
where
    T: 'a,
{
    inner: &'a T,
    list: [Vec<u8>; N],
}

#[derive(KeyPart)]
enum Tree<T> {
    Leaf(T),
    Node(Vec<Tree<T>>),
}

macro_rules! made_by_a_macro {
    ($name:ident, $field:ident: $type:ty) => {
        #[derive(KeyPart)]
        struct $name {
            $field: $type,
            own: u8,
        }
    };
}
made_by_a_macro!(Made, sequence: u8);

mod renamed {
    pub(super) use ::cached_runtime as runtime;

    #[derive(runtime::KeyPart)]
    #[key_part(crate = self::runtime)]
    pub(super) struct Elsewhere(pub(super) u8);
}

/// Not a part, which does not matter behind `PhantomData`.
struct Order;

#[test]
fn structs() {
    let page = Page {
        tenant: UserId(7),
        r#type: "a:b".into(),
        key: Option::None,
        sequence: true,
    };
    assert_eq!(text(&page), "(7,a%3Ab,%N,true,)");
    assert_eq!(text(&UserId(7)), "7");
    assert_eq!(text(&One { id: 7 }), "(7,)");
    assert_eq!(text(&Pair(1, "a")), "(1,a,)");
    assert_eq!(text(&Made { sequence: 1, own: 2 }), "(1,2,)");
    assert_eq!(text(&Unit), "()");
    assert_eq!(text(&Empty {}), "()");
    assert_eq!(text(&renamed::Elsewhere(3)), "3");
}

#[test]
fn enums() {
    assert_eq!(text(&Filter::All), "All");
    assert_eq!(text(&Filter::Nothing()), "Nothing");
    assert_eq!(text(&Filter::Owner(UserId(7))), "(Owner,7,)");
    assert_eq!(text(&Filter::Range { key: -1, field_0: 1 }), "(Range,-1,1,)");
    assert_eq!(text(&Filter::r#Self_), "Self_");
    assert_eq!(text(&Option::<Never>::None), "%N");
}

#[test]
fn generics() {
    assert_eq!(text(&Typed::<Order>(7, PhantomData)), "(7,(),)");
    assert_eq!(
        text(&Wrapper {
            inner: "a",
            list: [::std::vec![1, 2]]
        }),
        "(a,((1,2,),),)"
    );
    let tree = Tree::Node(::std::vec![Tree::Leaf(1), Tree::Node(Vec::new())]);
    assert_eq!(text(&tree), "(Node,((Leaf,1,),(Node,(),),),)");
}
