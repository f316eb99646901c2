import { Kbd, Modal, Table } from "@mantine/core";

const KEYS: readonly (readonly [string, string])[] = [
  ["j", "Next account"],
  ["k", "Previous account"],
  ["Enter", "Open the account under the cursor"],
  ["x", "Select or deselect it"],
  ["a", "Approve it, or all that are selected"],
  ["r", "Reject"],
  ["s", "Suspend"],
  ["c", "End a compliance review"],
  ["n", "Analyse again, where the review is open"],
  ["u", "Back to the queue"],
  ["/", "Search for an account"],
  ["Esc", "Close a dialog; deselect all"],
  ["?", "This help"],
];

export default function ShortcutHelp({ onClose }: { onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Keys of the review desk">
      <Table>
        <Table.Tbody>
          {KEYS.map(([key, meaning]) => (
            <Table.Tr key={key}>
              <Table.Td w={80}>
                <Kbd>{key}</Kbd>
              </Table.Td>
              <Table.Td>{meaning}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
