# The cases that need a network of their own skip, with the reason, where they cannot have one.
kadwire_test(adapters_tests
  SOURCES adapters/port_filter_test.cpp adapters/proxied_wireguard_test.cpp adapters/raw_wireguard_port_test.cpp
          adapters/uapi_codec_test.cpp
          ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  TOGETHER adapters/asio_datagram_socket_test.cpp adapters/asio_scheduler_test.cpp adapters/datagram_batch_test.cpp adapters/timerfd_suspend_monitor_test.cpp
           adapters/flow_table_test.cpp adapters/loopback_flows_test.cpp
           adapters/multicast_lan_port_test.cpp adapters/netlink_network_monitor_test.cpp
           adapters/own_network.cpp adapters/resolver_test.cpp adapters/rtnetlink_test.cpp
           adapters/udp_packet_test.cpp adapters/udp_relay_ports_test.cpp
           adapters/upnp_port_mapper_test.cpp adapters/wire.cpp adapters/wireguard_go_device_test.cpp
           adapters/wireguard_go_start_test.cpp
  LINKS kadwire_adapters)
