//! What can be wrong with a certificate.

use std::path::PathBuf;

use crate::file::{FileError, FileFault};

/// Where something is wrong with a certificate, and what.
pub type CertificateError = FileError<CertificateFault>;

/// What is wrong with a certificate. Never repeats a key or a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileFault),
    /// A control character.
    #[error("there is a control character")]
    Control,
    /// Another indentation than the format's.
    #[error("expected an indentation by a multiple of four spaces, without tabs")]
    Indent,
    /// Neither a property nor a comment.
    #[error(
        "expected NAME or NAME = \"VALUE\", where a name has letters, digits, '$', '-', '_', '@', '.', '&', '+', '/'"
    )]
    Property,
    /// A property outside a section, or below another property.
    #[error(
        "expected a section such as curve at the margin, and its properties indented by four spaces"
    )]
    Depth,
    /// A key that is not one.
    #[error("expected {0} = \"40 characters of Z85\"")]
    Key(&'static str),
    /// 32 zeros, which some programs write in place of a key that they do not have.
    #[error("{0} is the key of zeros, which is no key")]
    ZeroKey(&'static str),
    /// A second value for the same name.
    #[error("this property stands here for the second time")]
    Twice,
    /// More properties than a certificate may have.
    #[error("more than {0} properties of metadata")]
    TooMany(usize),
    /// No public key.
    #[error("there is no public-key in a section curve")]
    NoPublicKey,
    /// No secret key, where one is wanted.
    #[error("there is no secret-key in a section curve")]
    NoSecretKey,
    /// The halves are of two pairs.
    #[error("the secret key does not belong to the public key")]
    Halves,
    /// Others may read a file with a secret key.
    #[error("its mode {0:03o} lets others at the secret key; run chmod 600")]
    Exposed(u32),
    /// A name that the file cannot hold, or that its readers would take for something else.
    #[error(
        "a name of metadata has 1 to 255 letters, digits, '-', '_', '.', '+', and does not begin with public-key or secret-key"
    )]
    MetadataName,
    /// A value that the file cannot hold.
    #[error("a value of metadata has no control characters, and not both kinds of quotes")]
    MetadataValue,
    /// A name for the files that is more than a name.
    #[error("expected a file name without directories, not beginning with a dot")]
    FileName,
    /// A file in a store of public keys that holds a secret, or is a link to one or out of the store.
    #[error("not read: only public certificates belong here, and only links within this directory")]
    NotPublic,
    /// Two files of a store with one key.
    #[error("the same key as in {}, which counts", .0.display())]
    SameKey(PathBuf),
    /// A restriction that cannot be understood, and so cannot be kept.
    #[error("{0}: expected {1}")]
    Restriction(&'static str, &'static str),
    /// A property that cannot be passed on.
    #[error("the property {0} cannot be passed on: its name is reserved or not one of ZMTP")]
    Unusable(String),
}
