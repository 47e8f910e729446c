//! Tells the linker that Node has the Node-API functions.

fn main() {
    napi_build::setup();
}
