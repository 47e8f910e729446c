//! Tells the linker that Node has the Node-API functions.

fn main() {
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor == "apple") {
        // Otherwise the library carries the path that it was linked to, which is of the machine
        // that built it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/memmap.node");
    }
}
