// The members of a class, with those that it inherits from other classes.

/** Property names and descriptors of instances of a class. Nothing of Object is among them. */
export function membersOf(type: { prototype: object }): Map<string | symbol, PropertyDescriptor> {
  const members = new Map<string | symbol, PropertyDescriptor>()
  let prototype: object | null = type.prototype
  while (prototype !== null && prototype !== Object.prototype) {
    for (const key of Reflect.ownKeys(prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, key)
      if (descriptor !== undefined && !members.has(key)) members.set(key, descriptor)
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return members
}
