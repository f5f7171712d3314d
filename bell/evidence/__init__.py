"""What comes back as files: uploads, exhibits, custody."""
