"""Small services that show how Slett is used."""
