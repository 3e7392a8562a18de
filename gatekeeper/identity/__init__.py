"""Who is asking: from the token of a request to a caller with roles.

One file for each that can say who somebody is: our own table of users (`local`), an identity provider (`oidc`, with its
keys in `keys`) and the cluster (`cluster`). `authenticator` is what an edge sees of them.
"""
