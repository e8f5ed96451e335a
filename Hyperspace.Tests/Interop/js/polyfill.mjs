// Node 20 has no Promise.withResolvers, which js-libp2p needs while its modules load: import this file first.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((res, rej) => { resolve = res; reject = rej })
  return { promise, resolve, reject }
}
