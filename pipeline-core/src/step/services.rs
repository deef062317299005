//! What the embedding program lends to steps: one object per type.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Services by type, given to an executor and reached through
/// [`Context::service`](crate::step::Context::service).
///
/// A service that can change pixels must be declared: the step names it in
/// [`Spec::services`](crate::step::Spec::services) and the program registers it with an identity,
/// which enters the key of every result made with it.
#[derive(Clone, Default)]
pub struct Services {
    by_type: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// The identity under each name, and whose it is.
    identities: HashMap<&'static str, (TypeId, String)>,
}

impl Services {
    /// No services.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service that does not change any result, such as a logger. One per type; a later one
    /// replaces an earlier one, and the identity that it had is gone.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, service: T) -> Self {
        self.identities.retain(|_, (owner, _)| *owner != TypeId::of::<T>());
        self.by_type.insert(TypeId::of::<T>(), Arc::new(service));
        self
    }

    /// Adds a service that changes results, such as a model, under the name that steps declare and
    /// an identity that differs whenever its answers may.
    #[must_use]
    pub fn with_identity<T: Any + Send + Sync>(
        self,
        name: &'static str,
        identity: impl Into<String>,
        service: T,
    ) -> Self {
        let mut services = self.with(service);
        services.identities.insert(name, (TypeId::of::<T>(), identity.into()));
        services
    }

    /// The service of type `T`.
    ///
    /// # Errors
    /// [`Error::Input`] if the program registered none.
    pub fn find<T: Any + Send + Sync>(&self) -> Result<&T> {
        self.by_type
            .get(&TypeId::of::<T>())
            .and_then(|service| service.downcast_ref())
            .ok_or_else(Self::lack::<T>)
    }

    /// The error of a service that nobody registered.
    pub(super) fn lack<T>() -> Error {
        Error::input("the service", "not registered", type_name::<T>())
    }

    /// The identity of a declared service.
    #[must_use]
    pub fn identity(&self, name: &str) -> Option<&str> {
        self.identities.get(name).map(|(_, identity)| &**identity)
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services")
            .field("count", &self.by_type.len())
            .field("identities", &self.identities)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_service_is_named() {
        let services = Services::new().with(7u32);
        assert_eq!(services.find::<u32>().unwrap(), &7);
        assert!(services.find::<String>().unwrap_err().to_string().contains("String"));
    }

    #[test]
    fn a_replaced_service_takes_its_identity_with_it() {
        let services = Services::new()
            .with_identity("model", "v1", 7u32)
            .with_identity("atlas", "mouse", "a")
            .with(8u32);
        assert_eq!(services.find::<u32>().unwrap(), &8);
        assert_eq!(services.identity("model"), None);
        assert_eq!(services.identity("atlas"), Some("mouse"));
        let services = services.with_identity("net", "v2", 9u32).with_identity("net", "v3", 9u32);
        assert_eq!(services.identity("net"), Some("v3"));
    }
}
